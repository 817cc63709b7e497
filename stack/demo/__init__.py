"""The demonstration: a shop's log from files to a release, through the real services."""
