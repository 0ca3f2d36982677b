"""Prepares a training: the rows to learn, and the plan with formats that suit them."""
