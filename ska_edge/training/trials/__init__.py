"""Short trainings on the rows to learn, which choose a front end, a learning rate, and layers."""
