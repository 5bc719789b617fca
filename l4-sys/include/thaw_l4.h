/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The Fiasco.OC ABI on 32-bit ARM as facts: one enumerator per number.
 *
 * Names are those of the L4Re headers where L4Re has one, so that a user's own
 * tree can be compared with this file constant by constant (L4_INCLUDE, see
 * CONTRIBUTING.md). Names that begin with THAW_ have no counterpart there.
 *
 * Sources: "measured" = read off a running kernel of both revisions (docs/abi.md);
 * "kernel" = defined by the kernel's interface and seen to work.
 */
#ifndef THAW_L4_H
#define THAW_L4_H

/* System call: operation bits in the low nibble of r2 (measured). */
enum thaw_syscall_op {
  L4_SYSF_NONE = 0x00,
  L4_SYSF_SEND = 0x01,
  L4_SYSF_RECV = 0x02,
  L4_SYSF_OPEN_WAIT = 0x04,
  L4_SYSF_REPLY = 0x08,
  L4_SYSF_CALL = 0x03,
  L4_SYSF_WAIT = 0x06,
  L4_SYSF_SEND_AND_WAIT = 0x07,
  L4_SYSF_REPLY_AND_WAIT = 0x0f
};

/* Capability selectors: index in bits 12.. (measured). */
enum thaw_selector {
  L4_CAP_SHIFT = 12,
  L4_INVALID_CAP_BIT = 0x800, /* "self": receive from nobody, reply to the caller */
  THAW_EXPLICIT_REPLY_BIT = 0x400 /* M only: the index names a reply slot */
};

/* Capability indices of the first tasks (measured by cap_valid). */
enum thaw_base_caps {
  THAW_INDEX_TASK = 1,
  THAW_INDEX_FACTORY = 2,
  THAW_INDEX_THREAD = 3,
  THAW_INDEX_PAGER = 4,
  THAW_INDEX_LOG = 5,
  THAW_INDEX_ICU = 6,
  THAW_INDEX_SCHEDULER = 7,
  THAW_INDEX_IOMMU = 8,
  THAW_INDEX_DEBUGGER = 10,
  THAW_INDEX_SMC = 11
};

/* Memory operations: r0 operation, r1 start, r2 end (kernel). */
enum thaw_mem_op {
  L4_MEM_OP_CACHE_COHERENT = 3 /* clean data, invalidate instructions */
};

/* Message tag flags, bits 12-15 (measured). */
enum thaw_msgtag_flags {
  L4_MSGTAG_TRANSFER_FPU = 0x1000,
  L4_MSGTAG_SCHEDULE = 0x2000,
  L4_MSGTAG_PROPAGATE = 0x4000,
  L4_MSGTAG_ERROR = 0x8000
};

/* Protocols: the signed upper half of a tag (measured). */
enum thaw_protocol {
  L4_PROTO_NONE = 0,
  L4_PROTO_ALLOW_SYSCALL = 1,
  L4_PROTO_IRQ = -1,
  L4_PROTO_PAGE_FAULT = -2,
  L4_PROTO_EXCEPTION = -5,
  L4_PROTO_SIGMA0 = -6,
  L4_PROTO_KOBJECT = -10,
  L4_PROTO_TASK = -11,
  L4_PROTO_THREAD = -12,
  L4_PROTO_LOG = -13,
  L4_PROTO_SCHEDULER = -14,
  L4_PROTO_FACTORY = -15,
  L4_PROTO_VM = -16,
  L4_PROTO_DMA_SPACE = -17,
  L4_PROTO_IRQ_SENDER = -18,
  L4_PROTO_SEMAPHORE = -20,
  L4_PROTO_IOMMU = -22,
  L4_PROTO_DEBUGGER = -23,
  L4_PROTO_SMCCC = -24
};

/* Thread control block of user space, in words unless named bytes (measured). */
enum thaw_utcb {
  THAW_UTCB_BYTES = 512,
  L4_UTCB_GENERIC_DATA_SIZE = 63, /* message registers */
  THAW_UTCB_SELF_WORD = 63,       /* kernel's word */
  THAW_UTCB_BDR_WORD = 64,
  THAW_UTCB_BR_WORD = 65,
  L4_UTCB_GENERIC_BUFFERS_SIZE = 58,
  THAW_UTCB_ERROR_WORD = 123, /* byte 0x1ec */
  THAW_UTCB_FREE_MARKER_WORD = 124, /* M: free marker, G: unused; kernel's word */
  THAW_UTCB_USER_WORD = 125,
  THAW_UTCB_USER_WORDS = 3,
  THAW_BDR_OBJ_SHIFT = 10, /* first BR index of object buffers, 5 bits */
  L4_UTCB_INHERIT_FPU = 0x1000000 /* BDR bit 24 */
};

/* IPC errors: UTCB word 123, valid only with tag bit 15 (measured; 10-13, 17 kernel). */
enum thaw_ipc_error {
  L4_IPC_ERROR_MASK = 0x1f,
  L4_IPC_SND_ERR_MASK = 0x01,
  L4_IPC_SETIMEOUT = 0x02,
  L4_IPC_RETIMEOUT = 0x03,
  L4_IPC_ENOT_EXISTENT = 0x04,
  L4_IPC_SECANCELED = 0x06,
  L4_IPC_RECANCELED = 0x07,
  L4_IPC_SEMSGCUT = 0x08,
  L4_IPC_REMSGCUT = 0x09,
  L4_IPC_SESNDPFTO = 0x0a,
  L4_IPC_RESNDPFTO = 0x0b,
  L4_IPC_SERCVPFTO = 0x0c,
  L4_IPC_RERCVPFTO = 0x0d,
  L4_IPC_SEABORTED = 0x0e,
  L4_IPC_REABORTED = 0x0f,
  L4_IPC_SEMAPFAILED = 0x10,
  L4_IPC_REMAPFAILED = 0x11,
  THAW_IPC_NO_REPLY_CAP = 0x13 /* M only */
};

/* Results of kernel objects: the tag's label, negated (measured). */
enum thaw_error {
  L4_EOK = 0,
  L4_EPERM = 1,
  L4_ENOENT = 2,
  L4_EIO = 5,
  L4_ENOMEM = 12,
  L4_EFAULT = 14,
  L4_EBUSY = 16,
  L4_EEXIST = 17,
  L4_ENODEV = 19,
  L4_EINVAL = 22,
  L4_ERANGE = 34,
  L4_ENOSYS = 38,
  L4_EBADPROTO = 39,
  L4_EADDRNOTAVAIL = 99,
  L4_EMSGTOOSHORT = 1001,
  L4_EMSGTOOLONG = 1002
};

/* Flexpages: rights 0-3, type 4-5, order 6-11, page or index 12.. (measured). */
enum thaw_fpage {
  L4_FPAGE_SPECIAL = 0,
  L4_FPAGE_MEMORY = 1,
  L4_FPAGE_IO = 2,
  L4_FPAGE_OBJ = 3,
  L4_FPAGE_X = 1,
  L4_FPAGE_W = 2,
  L4_FPAGE_RO = 4,
  L4_FPAGE_RW = 6,
  L4_FPAGE_RX = 5,
  L4_FPAGE_RWX = 7,
  L4_CAP_FPAGE_W = 1,
  L4_CAP_FPAGE_S = 2,
  L4_CAP_FPAGE_R = 4,
  L4_CAP_FPAGE_D = 8,
  L4_CAP_FPAGE_RWS = 7,
  L4_CAP_FPAGE_RWSD = 15,
  L4_WHOLE_ADDRESS_SPACE = 63
};

/* Typed items (measured). */
enum thaw_item {
  L4_ITEM_CONT = 1,
  L4_MAP_ITEM_GRANT = 2,
  L4_ITEM_MAP = 8,
  L4_RCV_ITEM_SINGLE_CAP = 10,
  L4_RCV_ITEM_LOCAL_ID = 4,
  L4_FPAGE_C_OBJ_RIGHTS = 0xe0,
  THAW_ITEM_WEAK = 0x10,
  THAW_ITEM_SERVER_RIGHT = 0x20,
  THAW_MEM_ATTR_SET = 0x10,
  THAW_MEM_UNCACHED = 0x00,
  THAW_MEM_NORMAL = 0x20,
  THAW_MEM_BUFFERED = 0x40,
  THAW_RETURN_MAPPED = 0x38,
  THAW_RETURN_LOCAL_ID = 0x3c,
  THAW_RETURN_EMPTY_M = 0x3a
};

/* Task (measured). */
enum thaw_task {
  L4_TASK_MAP_OP = 0,
  L4_TASK_UNMAP_OP = 1,
  L4_TASK_CAP_INFO_OP = 2,
  L4_TASK_ADD_KU_MEM_OP = 3,
  L4_FP_OTHER_SPACES = 0,
  THAW_UNMAP_SELF_BIT = 0x80000000, /* L4_FP_ALL_SPACES */
  THAW_UNMAP_DELETE_BITS = 0xc0000000 /* L4_FP_DELETE_OBJ */
};

/* Thread (measured). */
enum thaw_thread {
  L4_THREAD_CONTROL_OP = 0,
  L4_THREAD_EX_REGS_OP = 1,
  L4_THREAD_SWITCH_OP = 2,
  L4_THREAD_STATS_OP = 3,
  THAW_THREAD_SET_TPIDRURO_OP = 0x10,
  L4_THREAD_CONTROL_SET_PAGER = 0x0010000,
  L4_THREAD_CONTROL_BIND_TASK = 0x0200000,
  L4_THREAD_CONTROL_ALIEN = 0x0400000,
  L4_THREAD_CONTROL_SET_EXC_HANDLER = 0x1000000,
  L4_THREAD_EX_REGS_CANCEL = 0x10000,
  L4_THREAD_EX_REGS_TRIGGER_EXCEPTION = 0x20000
};

/* Scheduler, log, gate, IRQ, ICU (measured). */
enum thaw_objects {
  L4_SCHEDULER_INFO_OP = 0,
  L4_SCHEDULER_RUN_THREAD_OP = 1,
  L4_SCHEDULER_IDLE_TIME_OP = 2,
  THAW_LOG_WRITE_OP = 0,
  THAW_BIND_OP = 0x10,     /* protocol -10: gate and IRQ */
  THAW_GATE_GET_LABEL_OP = 0x11,
  THAW_IRQ_ATTACH_G_OP = 0,  /* protocol -18, G only */
  THAW_IRQ_DETACH_OP = 1,    /* protocol -18 */
  THAW_IRQ_TRIGGER_OP = 2,
  THAW_IRQ_EOI_OP = 4,
  THAW_SEMAPHORE_DOWN_OP = 0,
  THAW_ICU_BIND_OP = 0,
  THAW_ICU_UNBIND_OP = 1,
  THAW_ICU_INFO_OP = 2,
  THAW_ICU_UNMASK_OP = 4,
  THAW_ICU_MASK_OP = 5,
  THAW_ICU_SET_MODE_OP = 6,
  THAW_FACTORY_GATE = 0
};

/* Kernel interface page and option block (measured; loader). */
enum thaw_kip {
  THAW_KIP_MAGIC = 0x4be6344c,
  THAW_KIP_VERSION = 0x87034444,
  THAW_KIP_VERSION_STRING = 0x08, /* in units of 16 bytes */
  THAW_KIP_M_SIGMA0 = 0x10,
  THAW_KIP_M_ROOT = 0x18,
  THAW_KIP_M_DT = 0x38,
  THAW_KIP_MEMDESC = 0x54,
  THAW_KIP_M_MEMDESC_COUNT = 0x58,
  THAW_KIP_G_SIGMA0 = 0x24,
  THAW_KIP_G_ROOT = 0x44,
  THAW_KIP_G_CLOCK = 0xa0,
  THAW_KOPT_MAGIC = 0x4c344b43,
  THAW_PHDR_KIP = 0x10,
  THAW_PHDR_OPTIONS = 0x11,
  THAW_MEM_CONVENTIONAL = 1,
  THAW_MEM_RESERVED = 2,
  THAW_MEM_DEDICATED = 3,
  THAW_MEM_SHARED = 4,
  THAW_MEM_INFO = 0xd,
  THAW_MEM_BOOTLOADER = 0xe,
  THAW_MEM_ARCH = 0xf
};

/* Exception message: word indices (measured word by word). */
enum thaw_exception {
  THAW_EXC_PFA = 0,
  THAW_EXC_ERR = 1,
  THAW_EXC_R0 = 2,
  THAW_EXC_SP = 15,
  THAW_EXC_LR = 16,
  THAW_EXC_KERNEL_LR = 17,
  THAW_EXC_PC = 18,
  THAW_EXC_CPSR = 19,
  THAW_EXC_TPIDRURO = 20,
  THAW_EXC_WORDS_G = 21,
  THAW_EXC_WORDS_M = 22,
  THAW_ERR_CLASS_SHIFT = 26,
  THAW_ERR_CLASS_UNDEFINED = 0x00,
  THAW_ERR_CLASS_SVC = 0x11,
  THAW_ERR_CLASS_PREFETCH_ABORT = 0x20,
  THAW_ERR_CLASS_DATA_ABORT = 0x24,
  THAW_ERR_CLASS_TRIGGERED = 0x3e
};

#endif
