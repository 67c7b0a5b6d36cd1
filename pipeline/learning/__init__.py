"""Photo datasets, augmentation, backbones, heads, schedules and training."""
