"""Models of Hugging Face with random weights, from small configurations."""

from torch import Tensor, nn


def gpt2(outputs: int, shape: tuple[int, ...]) -> nn.Module:
    """Predicts each next token."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=outputs, n_positions=shape[0], n_embd=16, n_layer=2, n_head=2, n_inner=32,
            bos_token_id=0, eos_token_id=0, use_cache=False,
        )
    )  # fmt: skip


def vit(num_classes: int) -> nn.Module:
    """Classifies digits of 8 x 8."""
    from transformers import ViTConfig, ViTForImageClassification

    return ViTForImageClassification(
        ViTConfig(
            image_size=8, patch_size=4, num_channels=1, hidden_size=16, num_hidden_layers=2,
            num_attention_heads=2, intermediate_size=32, num_labels=num_classes,
        )
    )  # fmt: skip


class Sentiment(nn.Module):
    """DistilBERT on tokens."""

    def __init__(self, outputs: int):
        super().__init__()
        from transformers import DistilBertConfig, DistilBertForTokenClassification

        self.bert = DistilBertForTokenClassification(
            DistilBertConfig(
                vocab_size=outputs, dim=16, n_layers=2, n_heads=2, hidden_dim=32,
                num_labels=outputs, max_position_embeddings=64,
            )
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.bert(x).logits
        return logits
