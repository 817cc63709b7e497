"""The shapes in which shops deliver their files: one declaration a source."""
