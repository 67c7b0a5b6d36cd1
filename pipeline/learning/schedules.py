"""Learning-rate schedules and optimisers of a training phase."""

import math

import keras

from pipeline.core.training_parameters import PhaseParameters, ScheduleParameters


def learning_rate_at(step: int, num_steps: int, parameters: ScheduleParameters) -> float:
    """Learning rate of one step: a linear climb, a plateau, then the chosen decay.

    Args:
        step: index of the step, from 0.
        num_steps: steps of the phase, at least 1.
        parameters: kind and shape of the schedule.
    """
    peak = parameters.learning_rate
    warmup_steps = math.floor(parameters.warmup_share * num_steps)
    decay_from = warmup_steps + math.floor(parameters.hold_share * num_steps)
    if step < warmup_steps:
        return peak * (step + 1) / (warmup_steps + 1)
    if parameters.kind == "constant" or step < decay_from:
        return peak
    if parameters.kind == "exponential":
        return peak * parameters.decay_rate ** ((step - decay_from) // parameters.decay_steps)
    progress = (step - decay_from) / max(1, num_steps - decay_from)
    return peak * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))


def build_optimizer(parameters: PhaseParameters, mixed_precision: bool) -> keras.optimizers.Optimizer:
    """Build the optimiser of a phase; its learning rate is set step by step from `learning_rate_at`.

    Args:
        parameters: kind of optimiser and its constants.
        mixed_precision: scale the loss up and the gradients down, so that small gradients survive 16 bits.
    """
    optimizer = _plain_optimizer(parameters)
    return keras.optimizers.LossScaleOptimizer(optimizer) if mixed_precision else optimizer


def _plain_optimizer(parameters: PhaseParameters) -> keras.optimizers.Optimizer:
    rate = parameters.schedule.learning_rate
    match parameters.optimizer:
        case "adamw":
            return keras.optimizers.AdamW(rate, weight_decay=parameters.weight_decay)
        case "adam":
            return keras.optimizers.Adam(rate, weight_decay=parameters.weight_decay or None)
        case "sgd":
            decay = parameters.weight_decay or None
            return keras.optimizers.SGD(rate, momentum=parameters.momentum, weight_decay=decay)
