"""Training of the networks that will replace the interim stages. Nothing is trained yet."""
