TARGET = test-thaw_driver
SRC_CC = main.cc
LIBS   = base

THAW_DIR := $(abspath $(PRG_DIR)/../../../../..)
INC_DIR  += $(PRG_DIR)/../../app/thaw $(THAW_DIR)/core-patch/genode/include
