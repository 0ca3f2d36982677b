"""What an image takes: flash, RAM, and the bound of its stack."""
