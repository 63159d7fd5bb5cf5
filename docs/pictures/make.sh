#!/usr/bin/env bash
# Makes the pictures of the documentation anew:  docs/pictures/make.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
pictures=docs/pictures
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

curves() { # file, activations
    python scripts/catalogue.py "${@:2}" --out "$pictures/$1.png"
}
curves straight relu leaky_relu relu6 threshold_relu
curves tails elu celu selu isrlu
curves smooth gelu silu mish hardswish telu serf quick_gelu logish
curves rising softplus shifted_softplus squareplus asinh
curves bounded sigmoid tanh hard_sigmoid hardtanh softsign lecun_tanh arctan penalized_tanh
curves waves sin gcu gaussian relu2
curves learnable prelu swish_beta pelu apl rational pwlu acon_c snake
curves gated glu reglu geglu swiglu bilinear crelu maxmin

sick_and_cured() { # file, experiment, cure
    python train.py "experiment=$2" "logs=$logs/sick" || true # one that diverges exits with 1
    python train.py "experiment=$2" "$3" "logs=$logs/cured"
    python scripts/report.py "$logs"/sick/train/*/* "$logs"/cured/train/*/*
    mv "$logs"/cured/train/*/*/health.png "$pictures/$1.png"
    rm -r "$logs/sick" "$logs/cured"
}
sick_and_cured vanishing vanishing_gradient activation=relu
sick_and_cured dying dying_relu optim.lr=0.01
sick_and_cured exploding exploding_gradient optim.clip=1.0

python scripts/health.py model=mlp data=digits model.depth=12 'activations=[sigmoid,tanh,relu]' \
    "logs=$logs"
mv "$logs"/health/*.png "$pictures/gradients.png"

python scripts/sweep.py model=mlp data=digits search=per_layer trials=24 search.controls=3 \
    'search.candidates=[relu,gelu,tanh,sigmoid]' trainer.max_epochs=8 name=study "logs=$logs"
mv "$logs/sweeps/study/sites.png" "$pictures"

python scripts/compare.py model=mlp data=friedman1 seeds=10 "logs=$logs" \
    'candidates=[relu,leaky_relu,prelu,gelu,silu,tanh,softsign]' \
    tune_lr=true 'lr_grid=[0.003,0.01,0.03,0.1,0.3]'
mv "$logs/compare/mlp-friedman1/figures/mlp-friedman1-forest.png" "$pictures/forest.png"
mv "$logs/compare/mlp-friedman1/figures/mlp-friedman1-curves.png" "$pictures/learning.png"
