"""Why is it so: every Pod, container and Job of a history at an instant, and what a manifest gives away unrun."""
