"""The models: MLP, CNN, LSTM, Transformer, each one file that reads from top to bottom."""
