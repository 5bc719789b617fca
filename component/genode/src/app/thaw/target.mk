TARGET   = thaw
SRC_CC   = main.cc world.cc abi.cc
SRC_O    = thaw_rust.o
LIBS     = base syscall-foc

THAW_DIR := $(abspath $(PRG_DIR)/../../../../..)
INC_DIR  += $(PRG_DIR) $(THAW_DIR)/core-patch/genode/include

CC_OPT_world += -DTHAW_GENODE_VERSION='"$(strip $(shell cat $(BASE_DIR)/../../VERSION))"'

# cargo knows what is new
.PHONY: thaw_rust_sources
thaw_rust.o: thaw_rust_sources
	$(MSG_CONVERT)$@
	$(VERBOSE)env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS $(THAW_DIR)/run/object thaw-genode $(CROSS_DEV_PREFIX) $(CURDIR)/$@ thaw_rust_checkpoint thaw_rust_restore thaw_rust_find thaw_rust_load thaw_rust_print
