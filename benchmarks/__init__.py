"""What is measured, each by one command: speed, obedience, the base's quality, and identity."""
