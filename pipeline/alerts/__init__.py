"""Alerts: what a person should hear of without looking, sent to one place."""
