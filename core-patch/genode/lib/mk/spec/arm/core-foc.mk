# Core's library as base-foc describes it, and Thaw's service with it
#
# This file is found before base-foc's because our repository stands before base-foc in REPOSITORIES.

THAW_CORE_DIR := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../../../..)
THAW_DIR      := $(abspath $(THAW_CORE_DIR)/../..)

THAW_FOC_MK := $(firstword $(filter-out $(THAW_CORE_DIR)/%,\
                 $(foreach R,$(REPOSITORIES),$(wildcard $(R)/lib/mk/spec/arm/core-foc.mk))))
ifeq ($(THAW_FOC_MK),)
$(error Thaw: no base-foc in REPOSITORIES; it must follow $(THAW_CORE_DIR))
endif

THAW_GENODE_VERSION := $(strip $(shell cat $(BASE_DIR)/../../VERSION 2>/dev/null))
ifeq ($(filter 26.02%,$(THAW_GENODE_VERSION)),)
$(error Thaw: made for the core of Genode 26.02, but this is Genode '$(THAW_GENODE_VERSION)')
endif

# paths of the original are relative to its own repository
override REP_DIR := $(patsubst %/lib/mk/spec/arm/core-foc.mk,%,$(THAW_FOC_MK))

# first match wins
INC_DIR += $(THAW_CORE_DIR)/src/core/include $(THAW_CORE_DIR)/src/core/thaw $(THAW_CORE_DIR)/include

THAW_SRC_CC := thaw_service.cc thaw_answers.cc thaw_books.cc thaw_nested.cc thaw_make.cc
SRC_CC      += $(THAW_SRC_CC)
SRC_O       += thaw_core.o

vpath platform_services.cc $(THAW_CORE_DIR)/src/core
vpath thaw_%.cc            $(THAW_CORE_DIR)/src/core/thaw

# the strict warnings are Genode's own style
CC_CXX_WARN_STRICT :=

# cargo knows what is new
.PHONY: thaw_rust_sources
thaw_core.o: thaw_rust_sources
	$(MSG_CONVERT)$@
	$(VERBOSE)env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS $(THAW_DIR)/run/object thaw-core-genode $(CROSS_DEV_PREFIX) $(CURDIR)/$@ thaw_fill_code thaw_handler thaw_barrier thaw_mender thaw_late_label thaw_serve

include $(THAW_FOC_MK)
