"""Release: runs in MLflow, the gate, registration, promotion, rollback and reconciliation.

`promotions.jsonl` beside the served versions is the only truth about what serves; the server's configuration, its
labels and the aliases in MLflow follow from it, and every command first repairs what an interrupted one left behind.
"""
