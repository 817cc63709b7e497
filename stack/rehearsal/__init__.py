"""The rehearsal: a tiny shop's days through the live services while something is killed every now and then."""
