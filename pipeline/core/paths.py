"""Where everything lies in a checkout."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths of a checkout, from its root."""

    root: Path = Path()
    owner: Path | None = None
    """The checkout that a clone works for; none = the one at `root` works for itself."""

    @classmethod
    def of(cls, root: Path = Path()) -> "Layout":
        """The layout of a checkout, or of a clone, which names its owner in `.heritage/owner`."""
        note = cls(root).owner_note
        return cls(root, Path(note.read_text(encoding="utf-8").strip())) if note.is_file() else cls(root)

    @property
    def home(self) -> Path:
        """The checkout whose inbox, served models and MLflow store are meant."""
        return self.owner or self.root

    @property
    def owner_note(self) -> Path:
        """Where a clone names the checkout that it works for."""
        return self.state / "owner"

    @property
    def automation(self) -> Path:
        """Clones and records of retraining that nobody starts by hand, in the owner."""
        return self.home / ".heritage" / "automation"

    @property
    def photos_clone(self) -> Path:
        """The clone into which batches of the inbox are taken."""
        return self.automation / "photos"

    @property
    def retrain_clone(self) -> Path:
        """The clone in which models are retrained."""
        return self.automation / "retrain"

    @property
    def parameters(self) -> Path:
        """The parameters of the next run."""
        return self.root / "params.yaml"

    @property
    def data(self) -> Path:
        """All photos, as `data/<batch>/<label>/<file>`."""
        return self.root / "data"

    @property
    def batches(self) -> Path:
        """The batches in the order in which they were taken in, with the side that each is pinned to."""
        return self.data / "batches.csv"

    @property
    def decisions(self) -> Path:
        """What people decided about single photos."""
        return self.root / "reviews" / "decisions.csv"

    def artifacts(self, stage: str) -> Path:
        """Folder of what a stage makes for later stages."""
        return self.root / "artifacts" / stage

    def reports(self, stage: str) -> Path:
        """Folder of what a stage makes for people."""
        return self.root / "reports" / stage

    @property
    def gate(self) -> Path:
        """The verdict of the release gate."""
        return self.root / "reports" / "gate.json"

    @property
    def report(self) -> Path:
        """The page about the last run."""
        return self.root / "reports" / "report.html"

    @property
    def review(self) -> Path:
        """The page on which people decide about single photos."""
        return self.root / "reports" / "review" / "index.html"

    @property
    def state(self) -> Path:
        """Locks, checkpoints and records that belong to this checkout and to no stage."""
        return self.root / ".heritage"

    @property
    def asked(self) -> Path:
        """Photos that the model server keeps of those it is asked about, in the owner."""
        return self.home / ".heritage" / "asked"

    @property
    def run_lock(self) -> Path:
        """Held while data or stages run."""
        return self.state / "run.lock"
