"""What the DAGs hand to one another: an update of an asset starts the DAG that waits for it."""

from airflow.sdk import Asset, AssetWatcher

from heritage.arrivals import Arrivals

INBOX = Asset("inbox", watchers=[AssetWatcher("arrivals", Arrivals())])
"""Complete batches wait; the watcher looks for them. Starts `intake`."""

LABELLED_PHOTOS = Asset("labelled_photos")
"""A batch came that the next training sees; extra: batch, commit, data_hash, photos. Starts `retrain`."""

REGISTERED_MODEL = Asset("registered_model")
"""A version passed the gate; extra: the answer of `pipeline register`, and the gate's `rules`. Starts `release`."""

SERVED_MODEL = Asset("served_model")
"""`release` or `rollback` let a version serve; extra: model, version. Starts nothing here."""
