"""The pages. Each shows what the service knows and holds no arithmetic of its own."""
