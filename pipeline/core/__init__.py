"""Ground floor: parameters, errors, tables on disk, hashes, progress, paths and locks."""
