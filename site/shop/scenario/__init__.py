"""The demo's scenario: what customers and administrators do, over HTTP, and what rules make of it."""
