"""The shop's pages, one file for each kind."""
