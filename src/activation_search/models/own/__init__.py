"""Any torch module as a model: its activation sites are found by themselves."""
