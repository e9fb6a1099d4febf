"""What the controllers decide that look after nodes: their health, taints, evictions, budgets, and pods left behind."""
