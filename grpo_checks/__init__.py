"""The import name: theory, experiments and figures, which lie beside this folder, as one package.

They are links here, so that a checkout and an installed package are imported in the same words.
"""
