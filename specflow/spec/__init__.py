"""The spec: YAML text becomes a located document, then a model, with every mistake told at its place."""
