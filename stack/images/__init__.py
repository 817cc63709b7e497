"""What containers start with. Each reads its own settings and secrets, refuses weak ones by name, and becomes the server or ends."""
