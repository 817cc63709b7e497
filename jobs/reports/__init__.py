"""Pages for people, made from what ``ops`` holds: Data Docs of every audit, and the quality of every table over time."""
