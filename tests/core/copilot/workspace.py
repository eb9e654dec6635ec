"""A Copilot workspace of our own, as texts: every kind of workload, and what stands beside them."""

from collections.abc import Mapping

from fairway.core.detect.sources import Sources

__all__ = ["TEXTS", "workspace"]

WEB = """\
name: web
type: Load Balanced Web Service
image:
  build:
    dockerfile: ./backend/Dockerfile
    context: backend
    target: runtime
  port: 8080
http:
  path: '/'
  stickiness: yes
  deregistration_delay: 45s
  alias: ["shop.example.org", "www.shop.example.org"]
  healthcheck:
    path: /up
    interval: 10s
    success_codes: '200,204'
    grace_period: 90s
cpu: 512
memory: 1024
platform: linux/arm64
exec: true
count:
  range:
    min: 2
    max: 8
    spot_from: 4
  cpu_percentage:
    value: 65
    cooldown: {in: 30s, out: 60s}
  requests: 600
  response_time: 500ms
variables: &shared
  LOG_FORMAT: json
  STAGE: ${COPILOT_ENVIRONMENT_NAME}
  QUEUE: ${COPILOT_APPLICATION_NAME}-orders
  PORT: 8080
  FROM_SHELL: ${BUILD_NUMBER}
  TABLE:
    from_cfn: ${COPILOT_APPLICATION_NAME}-Table
secrets:
  SIGNING_KEY: /copilot/${COPILOT_APPLICATION_NAME}/${COPILOT_ENVIRONMENT_NAME}/secrets/SIGNING_KEY
  MAIL_PASSWORD:
    secretsmanager: 'shop/mail'
  lower_case: /x
network:
  connect: true
  vpc:
    placement: private
    security_groups: [sg-1]
storage:
  readonly_fs: false
  volumes:
    data:
      path: /data
      efs: true
sidecars:
  proxy:
    image: nginx
    port: 80
publish:
  topics:
    - name: orders
environments:
  test:
    count: 1
    variables:
      <<: *shared
      LOG_FORMAT: text
  prod:
    count:
      spot: 3
    memory: 2048
    deployment:
      rolling: recreate
      rollback_alarms:
        cpu_utilization: 70
"""
TEXTS: Mapping[str, str] = {
    "copilot/.workspace": "application: my-shop\n",
    "copilot/web/manifest.yml": WEB,
    "backend/Dockerfile": 'FROM python:3.12\nCMD ["uvicorn", "shop.main:app", "--port", "8080"]\n',
    "copilot/inner/manifest.yml": (
        "name: inner\ntype: Backend Service\nimage:\n  build: inner/Dockerfile\n  port: 80\n"
        "command: [node, server.js]\nhttp:\n  path: inner\n  healthcheck: /alive\nexec: false\n"
        "environments:\n  prod:\n    http:\n      healthcheck: /really\n"
    ),
    "copilot/worker/manifest.yml": (
        "name: worker\ntype: Worker Service\nimage:\n  build: Dockerfile\n"
        "command: celery -A shop.tasks worker\ncpu: 256\nmemory: 1024\n"
        "count:\n  range: 1-5\n  cpu_percentage: 60\n  queue_delay:\n"
        "    acceptable_latency: 10m\n    msg_processing_time: 250ms\n"
        "variables:\n  LOG_FORMAT: json\nsecrets:\n  SIGNING_KEY: /other\n"
        "subscribe:\n  topics:\n    - name: orders\n      service: web\n"
        "  queue:\n    timeout: 96h\nenvironments:\n  test:\n    count:\n      spot: 1\n"
    ),
    "copilot/ticker/manifest.yml": (
        "name: ticker\ntype: Backend Service\nimage:\n  build: inner/Dockerfile\n"
        "entrypoint: [python, -m, shop.ticker]\ncount: 1\n"
    ),
    "copilot/nightly/manifest.yml": (
        "name: nightly\ntype: Scheduled Job\nimage:\n  build: backend/Dockerfile\n"
        'entrypoint: python\ncommand: "-m shop.nightly --all"\non:\n  schedule: "@every 6h"\n'
        "timeout: 1h30m\nretries: 2\ncpu: 256\nmemory: 512\n"
        "secrets:\n  SIGNING_KEY: /other\nenvironments:\n  test:\n    on:\n      schedule: none\n"
    ),
    "copilot/odd/manifest.yml": (
        "name: odd\ntype: Scheduled Job\nimage:\n  build: Dockerfile\n"
        'command: python -m odd\non:\n  schedule: "@every 7h"\n'
    ),
    "copilot/runner/manifest.yml": (
        "name: runner\ntype: Request-Driven Web Service\nimage:\n  build: backend/Dockerfile\n"
        "  port: 8000\ncpu: 1024\nmemory: 2048\ntags:\n  team: shop\n"
        "http:\n  private: true\n  alias: r.example.org\nobservability:\n  tracing: awsxray\n"
    ),
    "copilot/page/manifest.yml": (
        "name: page\ntype: Static Site\nhttp:\n  alias: shop.example.org\nfiles:\n"
        "  - source: frontend/dist\n    recursive: true\n  - source: extra\n    destination: x\n"
    ),
    "copilot/environments/prod/manifest.yml": (
        "name: prod\ntype: Environment\nnetwork:\n  vpc:\n    id: vpc-1\n    subnets:\n"
        "      public:\n        - id: subnet-1\nobservability:\n  container_insights: false\n"
        "cdn: true\nhttp:\n  public:\n    access_logs: true\n    certificates: [arn:aws:acm:x]\n"
    ),
    "copilot/environments/test/manifest.yml": (
        "name: test\ntype: Environment\nnetwork:\n  vpc:\n    cidr: 10.30.0.0/16\n"
    ),
    "copilot/pipelines/main/manifest.yml": (
        "name: main\nversion: 1\nsource:\n  provider: GitHub\n  properties:\n    branch: main\n"
        "    repository: https://github.com/shop/shop\nstages:\n  - name: test\n"
        "    test_commands: [make smoke]\n  - name: prod\n    requires_approval: true\n"
    ),
    "copilot/web/addons/orders.yml": (
        "Resources:\n  Orders:\n    Type: AWS::DynamoDB::Table\n    Properties:\n"
        '      TableName: !Sub "${App}-orders"\n  Bucket:\n    Type: AWS::S3::Bucket\n'
    ),
    "copilot/web/overrides/cfn.patches.yml": "- op: add\n  path: /Resources/X\n  value: 1\n",
}


def workspace(texts: Mapping[str, str] = TEXTS) -> Sources:
    return Sources("shop", dict(texts), frozenset({*texts, "copilot/web/.env"}))
