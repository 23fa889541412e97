# A Python worker of a Beam job that has Wirewatch in it: Beam's SDK container with the package installed. Built here by nobody yet.
#   docker build -f deploy/worker.Dockerfile -t wirewatch-worker .
# Submit with --environment_type=DOCKER --environment_config=wirewatch-worker, or run it as a pool beside each task manager:
#   docker run --network host wirewatch-worker --worker_pool      (and --environment_type=EXTERNAL --environment_config=localhost:50000)
FROM apache/beam_python3.11_sdk:2.77.0
COPY . /opt/wirewatch
RUN pip install --no-cache-dir --constraint /opt/wirewatch/constraints.txt '/opt/wirewatch[minilm]'
