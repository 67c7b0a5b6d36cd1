"""`python -m pipeline`."""

if __name__ == "__main__":
    # Not above: processes that this one starts import this module again, and need nothing of the command line.
    from pipeline.cli import main

    main()
