"""What is measured against what: each file is a program, with the command and its last table in its docstring."""
