"""Those who read a computation: ``watch`` finds the first operation that was not finite."""
