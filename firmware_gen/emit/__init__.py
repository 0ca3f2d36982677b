"""Generated C: plans, rules, messages and networks as source text."""
