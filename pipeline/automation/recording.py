"""Recording: what the stages of a retraining did becomes a commit, before the run is logged."""

from pipeline.automation.clones import RETRAIN_BRANCH
from pipeline.automation.git import git
from pipeline.automation.pinning import LOCK_FILE
from pipeline.core.errors import DataError
from pipeline.core.locks import held_lock
from pipeline.core.paths import Layout
from pipeline.export.manifest import manifest_sha256
from pipeline.release.facts import changed_files
from pipeline.release.manifest import candidate_manifest
from pipeline.release.tracking import read_lock

MANIFEST_LINE = "Manifest: "
"""How the line of a commit's message begins that names the model which its stages made."""


def record(layout: Layout) -> str:
    """Commit `dvc.lock` in the retrain clone, so that one commit brings the whole run back.

    Args:
        layout: the retrain clone, or the checkout that it works for.

    Returns:
        The commit; where the lock is that of the last one, that one.

    Raises:
        DataError: the stages have not all run, or files of the clone were changed by hand.
        ServingError: the exported model is damaged.
        MachineError: a stage runs in the clone, or git fails.
    """
    clone = Layout.of(layout.retrain_clone)
    root = clone.root
    with held_lock(clone.run_lock, "pipeline record"):
        if not (root / ".git").is_dir() or git(root, "branch", "--show-current") != RETRAIN_BRANCH:
            raise DataError(
                f"{root} is not at a pinned commit",
                expected="a run that `pipeline pin` began",
                todo="run `pipeline pin`",
            )
        read_lock(root / LOCK_FILE)
        if changed := [name for name in changed_files(clone) if name != LOCK_FILE]:
            raise DataError(
                f"files were changed by hand in {root}: {', '.join(changed[:5])}",
                expected="the files of the pinned commit",
                todo="commit such changes to the followed branch; `pipeline pin` puts the clone's files back",
            )
        git(root, "add", "--", LOCK_FILE)
        if git(root, "diff", "--cached", "--name-only"):
            subject = git(root, "show", "--no-patch", "--format=%s").replace("Retrain ", "Retrained ", 1)
            manifest = manifest_sha256(candidate_manifest(clone))
            git(root, "commit", "--quiet", "--no-verify", "-m", f"{subject}\n\n{MANIFEST_LINE}{manifest}")
        return git(root, "rev-parse", "HEAD")
