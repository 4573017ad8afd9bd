def source(f): pass
