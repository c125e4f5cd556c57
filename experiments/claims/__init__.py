"""One file per claim, or per closely related group of claims."""
