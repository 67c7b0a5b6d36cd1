"""Services: what people look at beside a run, started and stopped together."""
