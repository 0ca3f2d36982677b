"""Makes tables, charts and HTML pages about models, their results and what devices learned."""
