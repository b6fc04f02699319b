"""What the files for deploying name is there."""

from quart_chassis.testing.cloudnative_pg import *
from quart_chassis.testing.deployment import *
from quart_chassis.testing.kubernetes import *
from quart_chassis.testing.kustomize import *
