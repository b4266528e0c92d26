#!/bin/sh
# Make the environment of the peers: they need TensorFlow 2.15, hence Python 3.11.
#
#     sh benchmarks/peers/make_environment.sh [folder] [python]
#
# `python -m benchmarks` finds it in benchmarks/peers/env, or where the variable
# KERAS_LOSSKIT_PEERS says.
set -e
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${KERAS_LOSSKIT_PEERS:-$here/env}}
"${2:-python3.11}" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
SM_FRAMEWORK=tf.keras TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH="$here/../.." "$folder/bin/python" -m benchmarks.worker --check
