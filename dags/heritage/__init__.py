"""What the DAGs share: commands as tasks run them, alerts, assets, and the watch over the inbox.

Nothing here imports the pipeline when a DAG file is read: tasks start its commands.
"""
