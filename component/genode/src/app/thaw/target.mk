TARGET   = thaw
SRC_CC   = main.cc
LIBS     = base syscall-foc
INC_DIR += $(PRG_DIR) $(REP_DIR)/../../core-patch/genode/include
