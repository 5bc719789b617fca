/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* included within namespace Foc */
l4_msgtag_t l4_rcv_ep_bind_thread(l4_cap_idx_t, l4_cap_idx_t thread, l4_umword_t label);
