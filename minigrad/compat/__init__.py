"""Programs written for other libraries, unchanged but for their imports: ``compat.autograd`` for HIPS autograd."""
