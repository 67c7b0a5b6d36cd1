"""Metrics, intervals, calibration and figures."""
