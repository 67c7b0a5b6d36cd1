"""The alias `champion`, which follows the history and never leads it."""

from pipeline.core.errors import PipelineError
from pipeline.release.registry import CHAMPION, Registry


def champion_moved(registry: Registry, version: int) -> list[str]:
    """Let the alias follow the served version; where MLflow refuses, say so, and the next command does it.

    Returns:
        Nothing, or why the alias is still elsewhere.
    """
    try:
        with registry.errors_in_words():
            registry.set_champion(version)
    except PipelineError as error:
        return [late_champion(version, error)]
    return []


def late_champion(version: int, error: PipelineError) -> str:
    """What to tell where the alias could not follow."""
    return (
        f"version {version} serves, but the alias {CHAMPION} could not follow ({error.came}); the next command does it"
    )


def moved_by_hand(registry: Registry, serving: int | None) -> bool:
    """Whether somebody else moved the alias after it had last followed the history."""
    return registry.alias(CHAMPION) != serving and registry.noted_champion() == serving


def repair_champion(registry: Registry, serving: int) -> list[str]:
    """Let the alias catch up where an earlier command could not move it; one that a person moved stays.

    Returns:
        What was done, and what a person has to know.
    """
    if registry.alias(CHAMPION) == serving:
        return []
    if moved_by_hand(registry, serving):
        return [f"the alias {CHAMPION} was moved by hand; `pipeline reconcile` serves what it names or puts it back"]
    return champion_moved(registry, serving) or [
        f"the alias {CHAMPION} now names version {serving}, as it should have before"
    ]
