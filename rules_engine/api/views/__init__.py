"""Views: a request becomes a service call; one noun a file."""
