"""Shapes of what comes in and goes out; what a rule must fulfil is checked by the services."""
