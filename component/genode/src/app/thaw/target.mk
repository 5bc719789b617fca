TARGET   = thaw
SRC_CC   = main.cc world.cc abi.cc
SRC_O    = thaw_rust.o
LIBS     = base syscall-foc
INC_DIR += $(PRG_DIR) $(REP_DIR)/../../core-patch/genode/include

RUST_DIR := $(REP_DIR)/rust

thaw_rust.o: $(shell find $(RUST_DIR) $(REP_DIR)/../src $(REP_DIR)/../../image/src -name '*.rs')
	$(MSG_CONVERT)$@
	$(VERBOSE)$(RUST_DIR)/build.sh $(CROSS_DEV_PREFIX) $(BUILD_BASE_DIR)/var/thaw_rust $(CURDIR)/$@
