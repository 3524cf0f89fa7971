"""What is declared, what is handed on, what can fail, and what is set."""
