"""Drawings of a graph, for people: a listing for a terminal, Mermaid, Graphviz, and a picture by itself (SVG)."""
